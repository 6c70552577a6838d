# What takes their place where a datapath does not measure them.
#@ base
(def (Report (limited false) (recovery 0) (undone false) (idle 0)))
(when true
    (:= Report.limited Flow.app_limited)
    (:= Report.recovery Flow.recovery)
    (:= Report.undone Flow.undone)
    (:= Report.idle Flow.idle_us)
    (report)
)
#@ test run cwnd=10000
#@ ack app_limited=1 recovery=2 undone=1 idle_us=77 bytes_pending=5000 bytes_in_flight=5000
#= cwnd=10000 report=[1, 0, 0, 0]
#@ ack bytes_pending=5000 bytes_in_flight=5000
#= cwnd=10000 report=[1, 0, 0, 0]
#@ ack bytes_pending=6000 bytes_in_flight=5000
#= cwnd=10000 report=[0, 0, 0, 0]
#@ ack bytes_pending=10000 bytes_in_flight=10000
#= cwnd=10000 report=[0, 0, 0, 0]
