// Package h1 finds where HTTP/1.x messages begin and end (RFC 9112), and does nothing else.
//
// It knows no socket, clock or log, and changes no bytes. A relay uses three parts:
//
//	HeadEnd, ParseRequest, ParseResponse   where the head ends, and how the body will
//	Body.Scan                              how many of these bytes still belong to the message
//	AppendCloseOption                      the same head, but with the close option
//
// A message with an ambiguous end is refused with an [Error] and never guessed (RFC 9112 section
// 11.2): a Content-Length beside a Transfer-Encoding, lengths that differ, a bare CR, a line that
// could hide one of the two fields, an invalid chunk. Merely odd lines are accepted, see odd.go. A
// line of a head may end in a lone LF (section 2.2); a line of the chunked coding may not.
package h1

// MaxHead is the default size in bytes of the largest head that a caller buffers, start line and
// empty line included. Here it also bounds trailer sections.
const MaxHead = 64 << 10

// An Error is the reason why a message is refused.
type Error string

func (e Error) Error() string { return string(e) }

// The reasons why a message is refused.
const (
	ErrHeadTooLarge     = Error("head larger than the limit")
	ErrStartLine        = Error("malformed start-line")
	ErrVersion          = Error("preface of HTTP/2")
	ErrBareCR           = Error("CR without LF in a head")
	ErrNUL              = Error("NUL in a head")
	ErrFold             = Error("folded line that continues no ordinary field")
	ErrBlankLine        = Error("line of white space in a head")
	ErrDisguise         = Error("line that could be taken for Content-Length or Transfer-Encoding")
	ErrContentLength    = Error("Content-Length is not one number")
	ErrTransferEncoding = Error("Transfer-Encoding that does not end the message")
	ErrTwoLengths       = Error("both Content-Length and Transfer-Encoding")
	ErrChunk            = Error("malformed chunk")
	ErrTrailer          = Error("malformed trailer section")
	ErrSwitch           = Error("101 without a request for an upgrade")
)
