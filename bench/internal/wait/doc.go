// Package wait lets time pass, for as long as somebody still wants it.
package wait
