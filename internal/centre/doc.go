// Package centre is what the department's server does with what displays say: it collects their records and
// acknowledges them, keeps commands until they are answered, tells the time, and notices a display that is dark inside
// a window.
//
// # From the broker to the disk and back
//
// [Centre.Receive] only hands over, to two bounded queues: batches of records and whatever else must be written go to the
// writer, the rest to the listener. The writer takes what is there, commits it in one transaction, then tells the broker
// that it has the messages, then signs and sends the acknowledgements; so the cost of reaching the disk is shared by all
// displays that speak at about the same time. A batch that the centre cannot keep (the queue or the database is full, the
// display is over its budget) is given back to nobody: the broker's place for it is freed, no acknowledgement is signed,
// and the display, which alone keeps records until they are acknowledged, sends it again. Were it left with the broker,
// the few messages that a broker leaves unacknowledged would stop everything else too, births and states among them.
//
// # What is believed
//
// Who speaks is the level of the topic, which the broker binds to the display's certificate. A display that was
// given a certificate may speak, whether or not the centre heard of it before; there are at most [Config.Displays] of
// them. A broker can still speak in the name of each: what it says so of connections, states and answers is believed,
// and decides nothing but what is told and what is sent again. Records are checked by their own chain, commands and
// standing orders by the department's signatures. Every refusal is counted.
package centre
