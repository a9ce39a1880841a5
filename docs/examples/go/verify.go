// SPDX-License-Identifier: Apache-2.0

// Example: libsealring from Go.
//
//	verify VAULT SCOPE < credential
//
// Prints the verdict and whose credential it is; exits with 0 if it is accepted, 1 if not.
// Build: go build, with libsealring's development files installed.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	"example.org/verify/sealring"
)

func milliseconds(moment time.Time) int64 {
	if moment.IsZero() {
		return 0
	}
	return moment.UnixMilli()
}

func run() int {
	if len(os.Args) != 3 {
		fmt.Fprintf(os.Stderr, "usage: %s VAULT SCOPE < credential\n", os.Args[0])
		return 2
	}
	vault, err := sealring.Open(os.Args[1])
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %s\n", os.Args[0], err)
		return 3
	}
	defer vault.Close()
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %s\n", os.Args[0], err)
		return 3
	}
	verdict, grant := vault.Verify(bytes.TrimSuffix(input, []byte("\n")), os.Args[2])
	fmt.Printf("%s %d client=%s key=%s ring=%s scopes=%s version=%d %s serial=%d from=%d to=%d sunset=%d: %s\n",
		verdict, verdict.HTTPStatus(), grant.Client, grant.KeyID, grant.Ring, grant.Scopes, grant.Version,
		grant.VersionState, grant.Serial, milliseconds(grant.NotBefore), milliseconds(grant.Expires),
		milliseconds(grant.Sunset), grant.Reason)
	if verdict != sealring.Accepted {
		return 1
	}
	return 0
}

func main() {
	os.Exit(run())
}
