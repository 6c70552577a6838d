# A fallthrough in an event whose condition is false lets nothing through.
(def (Report (log 0)))
(when (> Ack.bytes_acked 1) (:= Report.log 1) (fallthrough))
#~ 47: warning[L0205]: this holds for the rest of the invocation, past events that do not fall through
#~     8:2: this event looks as if it stopped the evaluation
#~     9:2: but this one is evaluated too
#~     help: nothing is to be done if both may run; else let their conditions exclude each other
(when (> Ack.bytes_acked 0) (:= Report.log (+ Report.log 10)) (report))
(when true (:= Report.log (+ Report.log 100)) (report))
#@ test run
#@ ack bytes_acked=2
#= cwnd=14480 report=[111]
#@ ack bytes_acked=1
#= cwnd=14480 report=[121]
#@ ack bytes_acked=0
#= cwnd=14480 report=[221]
