# Without a report `(reset)` sets Micros to 0 and all that is volatile to its initial value.
(def (Report (volatile a 1) (b 2)) (volatile c 3))
(when (> Ack.bytes_acked 0) (:= Report.a 10) (:= Report.b 20) (:= c 30) (reset))
(when true (:= Report.a (+ Report.a c)) (:= Report.b (+ Report.b Micros)) (report))
#@ test run
#@ ack now=100 bytes_acked=1
#= cwnd=14480
#@ ack now=150
#= cwnd=14480 report=[4, 70]
#@ ack now=175
#= cwnd=14480 report=[4, 145]
