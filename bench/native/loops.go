// The same rows in Go: loops HOW LANES MS. HOW is run (no stdio) or output (echo, collected). Prints how
// many a second all lanes did.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

func once(how string) error {
	if how == "output" {
		_, err := exec.Command("echo", "hello").Output()
		return err
	}
	return exec.Command("/bin/true").Run()
}

func main() {
	how := os.Args[1]
	lanes, _ := strconv.Atoi(os.Args[2])
	ms, _ := strconv.ParseFloat(os.Args[3], 64)
	var total atomic.Int64
	var group sync.WaitGroup
	limit := time.Duration(ms * float64(time.Millisecond))
	begin := time.Now()
	for lane := 0; lane < lanes; lane++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for time.Since(begin) < limit {
				if err := once(how); err != nil {
					panic(err)
				}
				total.Add(1)
			}
		}()
	}
	group.Wait()
	fmt.Printf("%.1f\n", float64(total.Load())/time.Since(begin).Seconds())
}
