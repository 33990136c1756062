//go:build tools

// Package main only names the Temporal command line tool as a dependency, so that go.mod and
// go.sum pin its source and the source of everything it is built from. It holds no code of ours.
package main

import _ "github.com/temporalio/cli/cmd/temporal"
