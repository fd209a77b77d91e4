//go:build !race

package wheel_test

const slow = 1
