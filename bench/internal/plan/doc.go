// Package plan does steps one after the other and shows how long the rest will take.
package plan
