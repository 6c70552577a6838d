# Windows and rates have 64 bits; it is the datapath that clamps them.
#@ not libccp: it gives transports the low 32 bits
(def)
(when true (:= Cwnd (* Flow.rate_incoming 4)) (:= Rate Flow.rate_incoming))
#@ test run
#@ ack rate_incoming=4000000000
#= cwnd=16000000000 rate=4000000000
#@ ack rate_incoming=4611686018427387903
#= cwnd=18446744073709551612 rate=4611686018427387903
