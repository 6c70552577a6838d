# What is constant means the same, whoever computes it.
(def (Report (a 0) (b 0) (c false) (d 0)))
(when (|| false (> 3 2))
    (:= Report.a (+ (* 6 7) (- 9 (/ 9 2))))
    (:= Report.b (min (max 3 4) (+ Ack.bytes_acked 0)))
    (:= Report.c (&& true (== 4 4) (! false)))
    (:= Report.d (* (* Ack.bytes_acked 1) (+ 0 1)))
    (report)
)
#@ test run
#@ ack bytes_acked=0
#= cwnd=14480 report=[47, 0, 1, 0]
#@ ack bytes_acked=9
#= cwnd=14480 report=[47, 4, 1, 9]
