// SPDX-License-Identifier: Apache-2.0

// Package sealring asks libsealring whether a credential is valid, whose it is and what it may do.
package sealring

/*
#cgo pkg-config: sealring
#include <stdlib.h>
#include <sealring/verify.h>

static int set_variable(const char *name, const char *value, void *context)
{
	(void)context;
	return setenv(name, value, 1);
}

// A C function cannot call a Go function directly, so this small part is in C.
static sealring_status set_environment(const char *vault, sealring_error *error)
{
	return sealring_environment(vault, set_variable, NULL, error);
}
*/
import "C"

import (
	"errors"
	"time"
	"unsafe"
)

// Verdict is the result of Verify. The zero value is never returned.
type Verdict int

// Accepted is the only verdict that admits a request.
const Accepted = Verdict(C.SEALRING_ACCEPTED)

// String is the verdict's stable name, such as "accepted" or "version-retired".
func (verdict Verdict) String() string {
	return C.GoString(C.sealring_verdict_name(C.sealring_verdict(verdict))) // static: nobody frees it
}

// HTTPStatus is the status of the server's response: 200, 401, 403 or 503.
func (verdict Verdict) HTTPStatus() int {
	return int(C.sealring_verdict_http_status(C.sealring_verdict(verdict)))
}

// Grant describes the API key. Nothing in it is secret.
type Grant struct {
	KeyID, Ring, Client, Scopes string
	Version, Serial             uint32
	VersionState                string
	NotBefore, Expires, Sunset  time.Time // zero for none
	Reason                      string    // for the server's log
}

// Vault is an open vault. Any number of goroutines may use it; only Close must be the last call.
type Vault struct {
	handle *C.sealring_vault
}

// Open opens the vault in a directory. Call it first in main: it sets the environment variables that the vault's PKCS#11
// module needs, which is not safe while other threads read them.
func Open(directory string) (*Vault, error) {
	path := C.CString(directory)
	defer C.free(unsafe.Pointer(path))
	var problem C.sealring_error
	if C.set_environment(path, &problem) != C.SEALRING_OK {
		return nil, errors.New(C.GoString(&problem.message[0]))
	}
	vault := new(Vault)
	if C.sealring_open(path, nil, &vault.handle, &problem) != C.SEALRING_OK {
		return nil, errors.New(C.GoString(&problem.message[0]))
	}
	return vault, nil
}

// Verify verifies the credential, which must have all of the scopes, separated by spaces; "" requires none.
func (vault *Vault) Verify(credential []byte, scopes string) (Verdict, Grant) {
	var grant C.sealring_grant
	grant.size = C.sizeof_sealring_grant
	wanted := C.CString(scopes)
	defer C.free(unsafe.Pointer(wanted))
	var text *C.char
	if len(credential) > 0 {
		text = (*C.char)(unsafe.Pointer(&credential[0])) // not copied, and not kept by the library
	}
	verdict := C.sealring_verify(vault.handle, text, C.size_t(len(credential)), wanted, &grant)
	return Verdict(verdict), Grant{
		KeyID:        C.GoString(&grant.key_id[0]),
		Ring:         C.GoString(&grant.ring[0]),
		Client:       C.GoString(&grant.client[0]),
		Scopes:       C.GoString(&grant.scopes[0]),
		Version:      uint32(grant.version),
		Serial:       uint32(grant.serial),
		VersionState: C.GoString(C.sealring_version_state_name(grant.version_state)),
		NotBefore:    moment(grant.not_before),
		Expires:      moment(grant.expires),
		Sunset:       moment(grant.sunset),
		Reason:       C.GoString(&grant.reason[0]),
	}
}

// Close closes the vault.
func (vault *Vault) Close() {
	C.sealring_close(&vault.handle) // sets it to nil
}

func moment(milliseconds C.int64_t) time.Time {
	if milliseconds == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(milliseconds)).UTC()
}
