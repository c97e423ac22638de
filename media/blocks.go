package media

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// BlockSize is how many bytes of a file one entry of its block list speaks for; the last block is shorter.
const BlockSize = 64 << 10

// BlocksSuffix is put behind a file's SHA-256 to name its block list on a server.
const BlocksSuffix = ".blocks"

// Blocks computes the block list of what r gives: the SHA-256 of each BlockSize bytes, 32 bytes an entry, in order.
// The list is not signed. It helps to find what is wrong with a file, and never says that a file is right.
func Blocks(r io.Reader) ([]byte, error) {
	var list []byte
	block := make([]byte, BlockSize)
	for {
		n, err := io.ReadFull(r, block)
		if n > 0 {
			sum := sha256.Sum256(block[:n])
			list = append(list, sum[:]...)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("cannot compute block list: %w", err)
		}
		if len(list) > BlocksLen(MaxVideo) {
			return nil, errors.New("cannot compute block list: larger than any file of content")
		}
	}
}

// BlocksLen is how many bytes the block list of a file of that size has: at most 1 MiB.
func BlocksLen(size int64) int { return int((size+BlockSize-1)/BlockSize) * sha256.Size }
