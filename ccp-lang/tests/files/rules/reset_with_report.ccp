# With a report `(reset)` leaves the report its values: only Micros is 0 at once.
(def (Report (volatile a 1) (time 0) (after 0)))
(when true
    (:= Report.a (+ Report.a 10))
    (:= Report.time Micros)
    (report)
    (reset)
    (:= Report.after Micros)
)
#@ test run
#@ ack now=100
#= cwnd=14480 report=[11, 0, 0]
#@ ack now=150
#= cwnd=14480 report=[11, 50, 0]
#@ ack now=175
#= cwnd=14480 report=[11, 25, 0]
