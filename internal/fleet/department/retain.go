package department

// Retain is Send for what the broker shall keep until it is replaced.
func (l *Link) Retain(topic string, payload []byte) {
	if l.client.IsConnectionOpen() {
		l.client.Publish(topic, qos, true, payload)
	}
}
