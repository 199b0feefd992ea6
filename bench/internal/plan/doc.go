// Package plan runs steps one after the other and shows the progress and the remaining time.
package plan
