# Whether one is true: always 0 or 1, also when several are.
(def (Report (sign false) (word false) (more false)))
(when true
    (:= a (> Flow.rate_incoming 0))
    (:= b (> Flow.rate_outgoing 0))
    (:= Report.sign (|| a b))
    (:= Report.word (or a b))
    (:= Report.more (|| a b a b))
    (report)
)
#@ test run
#@ ack rate_incoming=5 rate_outgoing=5
#= cwnd=14480 report=[1, 1, 1]
#@ ack rate_incoming=5 rate_outgoing=0
#= cwnd=14480 report=[1, 1, 1]
#@ ack rate_incoming=0 rate_outgoing=5
#= cwnd=14480 report=[1, 1, 1]
#@ ack rate_incoming=0 rate_outgoing=0
#= cwnd=14480 report=[0, 0, 0]
