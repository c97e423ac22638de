package rs232

// Drop closes the port until the next exchange opens it again. It waits for its turn.
func (l *Link) Drop() {
	l.turn <- struct{}{}
	l.drop()
	<-l.turn
}
