# A constant that cannot be computed is a trap when it is reached, not an error before.
(def (Report (x 0)))
(when (> Ack.bytes_acked 5) (:= Report.x (- 1 2)) (report))
(when (> Ack.bytes_acked 4) (:= Report.x (/ 1 0)) (report))
(when true (:= Report.x 9) (report))
#@ test run
#@ ack bytes_acked=6
#= trap=SubUnderflow
#@ ack bytes_acked=5
#= trap=DivByZero
#@ ack bytes_acked=0
#= cwnd=14480 report=[9]
