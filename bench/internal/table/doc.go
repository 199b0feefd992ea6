// Package table formats tables of results as text, Markdown and HTML, and the numbers in them.
package table
