# ewma wraps where its sum does not fit; it never ends an invocation.
(def (Report (x 0)))
(when true (:= Report.x (ewma 8 Flow.rate_incoming)) (report))
#@ test run
#@ ack rate_incoming=18446744073709551615 rate_outgoing=0
#= cwnd=14480 report=[18446744073709551615]
#@ ack rate_incoming=18446744073709551615 rate_outgoing=0
#= cwnd=14480 report=[1844674407370955160]
#@ ack rate_incoming=4294967296 rate_outgoing=0
#= cwnd=14480 report=[1475739526755757587]
