// Package deploytest has what the tests of deploy and of lameduckctl share.
package deploytest
