# The later of two 32-bit counters that wrap; 0 means none; only 32 bits count.
(def (Report (sign 0) (word 0)))
(when true
    (:= Report.sign (wrapped_max Flow.rate_incoming Flow.rate_outgoing))
    (:= Report.word (wrapped_max Flow.rate_incoming Flow.rate_outgoing))
    (report)
)
#@ test run
#@ ack rate_incoming=5 rate_outgoing=9
#= cwnd=14480 report=[9, 9]
#@ ack rate_incoming=4294967290 rate_outgoing=6
#= cwnd=14480 report=[6, 6]
#@ ack rate_incoming=0 rate_outgoing=7
#= cwnd=14480 report=[7, 7]
#@ ack rate_incoming=7 rate_outgoing=0
#= cwnd=14480 report=[7, 7]
#@ ack rate_incoming=0 rate_outgoing=0
#= cwnd=14480 report=[0, 0]
#@ ack rate_incoming=1 rate_outgoing=2147483649
#= cwnd=14480 report=[1, 1]
#@ ack rate_incoming=2147483649 rate_outgoing=1
#= cwnd=14480 report=[1, 1]
#@ ack rate_incoming=2147483650 rate_outgoing=1
#= cwnd=14480 report=[1, 1]
#@ ack rate_incoming=4294967301 rate_outgoing=3
#= cwnd=14480 report=[5, 5]
