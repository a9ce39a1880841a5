// SPDX-License-Identifier: Apache-2.0
// Example: sends an API key from a file that sealring-client replaces: follow FILE URL < LINES (one request for each line).
package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// Credential is the API key in a file, read again when the file was replaced. For any number of goroutines.
type Credential struct {
	Path string
	lock sync.Mutex
	last os.FileInfo
	text string
}

func (c *Credential) Get() (string, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	info, err := os.Stat(c.Path)
	if err != nil {
		return c.text, err
	}
	if c.last == nil || !os.SameFile(info, c.last) || !info.ModTime().Equal(c.last.ModTime()) {
		content, err := os.ReadFile(c.Path)
		if err != nil {
			return c.text, err
		}
		c.text, c.last = strings.TrimSpace(string(content)), info
	}
	return c.text, nil
}

var client = http.Client{Timeout: 10 * time.Second}

func send(c *Credential, url string, again bool) (int, error) {
	text, err := c.Get()
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+text)
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	response.Body.Close()
	if now, _ := c.Get(); response.StatusCode == http.StatusUnauthorized && again && now != text {
		return send(c, url, false) // it was replaced meanwhile
	}
	return response.StatusCode, nil
}

func main() {
	credential := &Credential{Path: os.Args[1]}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		status, err := send(credential, os.Args[2], true)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		fmt.Println(status)
	}
}
