# Times are microseconds.
(def (Report (s 0) (ms 0) (us 0)) (period 2ms))
#~ 36: note[L0202]: `period` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
(when (> Micros period) (:= Report.s 3s) (:= Report.ms 42ms) (:= Report.us (+ 250us period)) (report))
#@ test run
#@ ack now=2000
#= cwnd=14480
#@ ack now=4001
#= cwnd=14480 report=[3000000, 42000, 2250]
