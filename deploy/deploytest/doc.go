// Package deploytest has helpers for the tests of deploy and of lameduckctl.
package deploytest
