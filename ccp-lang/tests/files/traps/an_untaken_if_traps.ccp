# Condition and value of `if` are always computed.
(def (Report (x 0)))
(when true (:= Report.x (if (> Flow.rate_incoming 5) (/ Flow.rate_incoming Flow.rate_outgoing))) (report))
#@ test run
#@ ack rate_incoming=9 rate_outgoing=3
#= cwnd=14480 report=[3]
#@ ack rate_incoming=1 rate_outgoing=0
#= trap=DivByZero
#@ ack rate_incoming=1 rate_outgoing=1
#= cwnd=14480 report=[3]
