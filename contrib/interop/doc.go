// Package interop holds Reprise against software that was written elsewhere: the MCP conformance
// suite, the TypeScript SDK's client, a browser and a reverse proxy; and against attackers. It has
// tests alone.
//
// They need Debian's chromium and nginx, and the npm packages of package.json (npm ci). What is
// missing fails the test that needs it. Everything listens on a loopback address or a socket in a
// temporary folder, and stops with its test.
package interop
