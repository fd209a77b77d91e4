package mcpgo

import "encoding/binary"

// The events of a stream whose name is a hash carry the stream ID in front of the message, behind
// its length, for the SDK wants it back. All others carry the message alone.

// enclose returns the data of an event.
func enclose(name, streamID string, message []byte) []byte {
	if !isHashed(name) {
		return message
	}
	data := make([]byte, 0, binary.MaxVarintLen64+len(streamID)+len(message))
	data = binary.AppendUvarint(data, uint64(len(streamID)))
	data = append(data, streamID...)
	return append(data, message...)
}

// disclose is the inverse of enclose. It reports false for data that enclose has not made for this
// name.
func disclose(name string, data []byte) (streamID string, message []byte, ok bool) {
	if !isHashed(name) {
		return name, data, true
	}
	n, size := binary.Uvarint(data)
	if size <= 0 || n > uint64(len(data)-size) {
		return "", nil, false
	}
	end := size + int(n)
	streamID = string(data[size:end])
	return streamID, data[end:], streamName(streamID) == name
}
