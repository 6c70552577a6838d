# (left · old + (10 − left) · new) / 10, rounded down; the new value while the old one is 0.
(def (Report (eight 0) (none 0) (all 0) (begun 50)))
(when true
    (:= Report.eight (ewma 8 Flow.rate_incoming))
    (:= Report.none (ewma 0 Flow.rate_incoming))
    (:= Report.all (ewma 10 Flow.rate_incoming))
    (:= Report.begun (ewma 3 Flow.rate_incoming))
    (:= local (ewma 5 Flow.rate_incoming))
    (:= Cwnd (ewma 5 local))
    (report)
)
#@ test run cwnd=1000
#@ ack rate_incoming=100 rate_outgoing=0
#= cwnd=550 report=[100, 100, 100, 85]
#@ ack rate_incoming=200 rate_outgoing=0
#= cwnd=350 report=[120, 200, 100, 165]
#@ ack rate_incoming=0 rate_outgoing=0
#= cwnd=212 report=[96, 0, 100, 49]
#@ ack rate_incoming=7 rate_outgoing=0
#= cwnd=126 report=[78, 7, 100, 19]
