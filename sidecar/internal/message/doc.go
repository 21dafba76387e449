// Package message has the typed params and results of every message of the sidecar channel
// (docs/sidecar-channel.md), their strict decoder, and the error codes.
//
// A field is required unless its tag says omitempty or omitzero. [Decode] refuses unknown, missing,
// repeated, null and mistyped fields and values out of range; [Encode] is its inverse.
package message
