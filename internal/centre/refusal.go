package centre

// A Refusal says in one stable word why a message was not taken. Refusals are counted by it.
type Refusal string

const (
	BadTopic        Refusal = "bad-topic"         // of nobody
	BadMessage      Refusal = "bad-message"       // cannot be read
	BrokenBatch     Refusal = "broken-batch"      // records that do not follow each other, or were changed
	BadSignature    Refusal = "bad-signature"     // a command that the department did not sign
	WrongDevice     Refusal = "wrong-device"      // a command for others
	TooManyCommands Refusal = "too-many-commands" // live ones
	NotEnrolled     Refusal = "not-enrolled"      // of or for a display that was never given a certificate
	TooManyDisplays Refusal = "too-many-displays"
	OverBudget      Refusal = "over-budget"  // of records in a day
	TooOften        Refusal = "too-often"    // questions for the time
	TooLate         Refusal = "too-late"     // a question for the time that its display has given up
	ClockUnsure     Refusal = "clock-unsure" // nobody keeps the centre's own clock, or it is doubted: no time is told
	Flood           Refusal = "flood"        // too many messages of one display are waiting
	QueueFull       Refusal = "queue-full"   // of all displays
	NotWritten      Refusal = "not-written"  // the database could not take it
)

// Refusals lists every Refusal there is.
func Refusals() []Refusal {
	return []Refusal{
		BadTopic, BadMessage, BrokenBatch, BadSignature, WrongDevice, TooManyCommands, NotEnrolled, TooManyDisplays, OverBudget,
		TooOften, TooLate, ClockUnsure, Flood, QueueFull, NotWritten,
	}
}
