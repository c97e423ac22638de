package site

import "fmt"

// maxComparedLen keeps the comparison of hostile keys cheap; no known key is half as long.
const maxComparedLen = 64

// didYouMean names the word most like the given one, or nothing when none is near: at most a third of its
// last part may differ.
func didYouMean(got string, words []string) string {
	if len(got) > maxComparedLen {
		return ""
	}
	best, bestDistance := "", len(lastPart(got))/3+1
	for _, word := range words {
		distance := editDistance(got, word)
		if lastPart(got) == lastPart(word) {
			distance = min(distance, 1) // the right key below the wrong table
		}
		if distance < bestDistance {
			best, bestDistance = word, distance
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean %q?", best)
}

// editDistance counts the letters to insert, delete, replace or swap with their neighbour to make a into b
// (optimal string alignment).
func editDistance(a, b string) int {
	from, to := []rune(a), []rune(b)
	var before, above, row []int // rows i-2, i-1 and i of the table
	for i := range len(from) + 1 {
		before, above, row = above, row, make([]int, len(to)+1)
		for j := range row {
			switch {
			case i == 0 || j == 0:
				row[j] = i + j
				continue
			case from[i-1] == to[j-1]:
				row[j] = above[j-1]
			default:
				row[j] = 1 + min(above[j-1], above[j], row[j-1])
			}
			if i > 1 && j > 1 && from[i-1] == to[j-2] && from[i-2] == to[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(to)]
}
