package main

import (
	"fmt"
	"io"

	"github.com/google/nftables"
)

// printRules prints for each chain of nftables in the pod its name and the number of its rules.
func printRules(w io.Writer) error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	chains, err := c.ListChains()
	if err != nil {
		return err
	}
	for _, ch := range chains {
		rules, err := c.GetRules(ch.Table, ch)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s/%s:%d\n", ch.Table.Name, ch.Name, len(rules)); err != nil {
			return err
		}
	}
	return nil
}
