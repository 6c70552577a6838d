# Another program finds what registers hold, but for those it declares; Micros is 0.
(def (Report (x 5) (time 0)))
(when true (:= Report.x (+ Report.x 1)) (:= Report.time Micros) (:= kept (if (> Cwnd 0) Report.x)) (report))
#~ 69: warning[L0201]: `kept` is bound but never read
#~     help: remove the bind, or declare `kept` in `(def …)`
#@ program
(def (Report (y 50) (held 0) (time 0)))
(when true (:= Report.held (+ own 0)) (:= own (+ own 0)) (:= Report.y (+ Report.y 1)) (:= Report.time Micros) (report))
#@ test run
#@ ack now=10
#= cwnd=14480 report=[6, 0]
#@ ack now=20
#= cwnd=14480 report=[7, 10]
#@ switch 1
#@ ack now=100
#= cwnd=14480 report=[51, 7, 0]
#@ ack now=130
#= cwnd=14480 report=[52, 7, 30]
#@ switch 0
#@ ack now=200
#= cwnd=14480 report=[6, 0]
