# A fallthrough holds for the rest of the invocation: later events are looked at too, also behind
# ones that run and do not fall through themselves.
(def (Report (log 0)))
(when true (:= Report.log 0) (fallthrough))
#~ 30: warning[L0205]: this holds for the rest of the invocation, past events that do not fall through
#~     9:2: this event looks as if it stopped the evaluation
#~     10:2: but this one is evaluated too
#~     help: nothing is to be done if both may run; else let their conditions exclude each other
(when (> Ack.bytes_acked 0) (:= Report.log (+ (* Report.log 10) 1)))
(when (> Ack.bytes_acked 1) (:= Report.log (+ (* Report.log 10) 2)))
(when true (:= Report.log (+ (* Report.log 10) 3)) (report))
#@ test run
#@ ack bytes_acked=0
#= cwnd=14480 report=[3]
#@ ack bytes_acked=1
#= cwnd=14480 report=[13]
#@ ack bytes_acked=2
#= cwnd=14480 report=[123]
