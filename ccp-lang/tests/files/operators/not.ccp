# Whether the operand is false.
(def (Report (sign false) (word false) (twice false)))
(when true
    (:= Report.sign (! Flow.was_timeout))
    (:= Report.word (not Flow.was_timeout))
    (:= Report.twice (! (not Flow.was_timeout)))
    (report)
)
#@ test run
#@ ack was_timeout=0
#= cwnd=14480 report=[1, 1, 0]
#@ ack was_timeout=1
#= cwnd=14480 report=[0, 0, 1]
