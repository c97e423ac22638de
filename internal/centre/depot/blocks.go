package depot

import (
	"crypto/sha256"
	"hash"
)

const (
	blockSize    = 64 << 10 // bytes that one entry of a block list speaks for; the last block is shorter
	blocksSuffix = ".blocks"
)

// A blockList hashes what is written to it block by block, so that a file is read once.
type blockList struct {
	list  []byte
	block hash.Hash
	n     int // bytes of the block so far
}

func newBlockList() *blockList { return &blockList{block: sha256.New()} }

func (b *blockList) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		take := min(len(p), blockSize-b.n)
		b.block.Write(p[:take])
		p = p[take:]
		if b.n += take; b.n == blockSize {
			b.close()
		}
	}
	return total, nil
}

func (b *blockList) close() {
	b.list = b.block.Sum(b.list)
	b.block.Reset()
	b.n = 0
}

// sum ends the list.
func (b *blockList) sum() []byte {
	if b.n > 0 {
		b.close()
	}
	return b.list
}
