module github.com/reprise-go/reprise/contrib/durablestreams

go 1.25.0

require github.com/reprise-go/reprise v0.2.0

require (
	github.com/google/uuid v1.6.0 // indirect
	github.com/klauspost/cpuid/v2 v2.2.10 // indirect
	github.com/puzpuzpuz/xsync/v3 v3.5.1 // indirect
	github.com/zeebo/xxh3 v1.1.0 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	golang.org/x/sys v0.30.0 // indirect
)

replace github.com/reprise-go/reprise => ../..
