# What is computed twice is read anew where something between has changed it.
(def (Report (a 0) (b 0)) (x 1))
(when true
    (:= Report.a (* (+ x Ack.bytes_acked) 2))
    (:= x (+ x Ack.bytes_acked))
    (:= Report.b (* (+ x Ack.bytes_acked) 2))
    (:= x 1)
    (report)
)
#@ test run
#@ ack bytes_acked=1
#= cwnd=14480 report=[4, 6]
#@ ack bytes_acked=10
#= cwnd=14480 report=[22, 42]
