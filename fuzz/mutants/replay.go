package main

// ofReplay break readers, the wire format and the handler.
var ofReplay = []mutant{
	{"a reader that learns of the end does not look once more", "replay/reader.go", []change{{
		"\tif r.scan(e) {\n\t\treturn true\n\t}\n\tif r.err == nil {",
		"\tif r.err == nil {"}},
		check{"replay", "TestEventStoredWhileTheReaderLearnsOfTheEndIsRead", ""}},
	{"After answers with what is left of an overtaken replay", "replay/follow.go", []change{{
		"err := cur.Err(); err != nil && cur.Seq() < end {",
		"err := cur.Err(); err != nil && cur.Seq() > end {"}},
		check{"replay", "TestAfterIsAllOrOneErrorUnderEviction", ""}},
	{"Wait throws away the event that it has read", "replay/reader.go", []change{{
		"\t\t\tr.isAhead = true\n",
		""}},
		check{"replay", "TestWait", ""}},
	{"a reader of several streams sees all", "replay/reader.go", []change{{
		"len(r.streams) == 0 || r.sees(e.Stream)",
		"len(r.streams) >= 0 || r.sees(e.Stream)"}},
		check{"replay", "TestPosition", ""}},
	{"a reader does not detach", "replay/reader.go", []change{{
		"\tr.attached.Detach()\n\tr.attached = nil\n",
		"\tr.attached = nil\n"}},
		check{"replay", "TestReaderAttachesUntilClosed", ""}},
	{"CR in data is no line end", "replay/sse.go", []change{{
		"cr, lf := bytes.IndexByte(data, '\\r'), bytes.IndexByte(data, '\\n')",
		"cr, lf := -1, bytes.IndexByte(data, '\\n')"}},
		check{"replay", "TestAppendSSE", ""}},
	{"a line end in an ID goes out as it is", "replay/sse.go", []change{{
		"if c := value[i]; c == '\\r' || c == '\\n' || c == 0 {",
		"if c := value[i]; c == 0 {"}},
		check{"replay", "TestAppendSSE", ""}},
	{"events are not flushed", "internal/sse/writer.go", []change{{
		"\tif err := w.control.Flush(); err != nil {\n\t\treturn w.fail(err)\n\t}\n",
		""}},
		check{"replay", "TestEventsAreFlushedAtOnce", ""}},
	{"a foreign page is served", "replay/precheck.go", []change{{
		"return refuse(http.StatusForbidden, \"origin not allowed\")",
		"return nil"}},
		check{"replay", "TestOrigin", ""}},
	{"two streams of an exclusive session", "internal/sse/set.go", []change{{
		"\tif s.newest[key] != nil {\n\t\treturn false",
		"\tif false {\n\t\treturn false"}},
		check{"replay", "TestExclusive", ""}},
}
