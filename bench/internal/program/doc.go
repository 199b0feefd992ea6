// Package program finds installed programs and builds those of this module.
package program
