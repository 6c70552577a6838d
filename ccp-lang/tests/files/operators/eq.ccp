# Whether both are equal: numbers, or Bools.
(def (Report (sign false) (word false) (bools false)))
(when true
    (:= Report.sign (== Flow.rate_incoming Flow.rate_outgoing))
    (:= Report.word (eq Flow.rate_incoming Flow.rate_outgoing))
    (:= Report.bools (== (> Flow.rate_incoming 3) (> Flow.rate_outgoing 3)))
    (report)
)
#@ test run
#@ ack rate_incoming=5 rate_outgoing=3
#= cwnd=14480 report=[0, 0, 0]
#@ ack rate_incoming=5 rate_outgoing=5
#= cwnd=14480 report=[1, 1, 1]
#@ ack rate_incoming=3 rate_outgoing=2
#= cwnd=14480 report=[0, 0, 1]
#@ ack rate_incoming=18446744073709551615 rate_outgoing=0
#= cwnd=14480 report=[0, 0, 0]
