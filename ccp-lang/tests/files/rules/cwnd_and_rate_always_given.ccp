# Cwnd and Rate go to the transport after each invocation, also when nobody wrote them; a 0 does not.
(def (Report (cwnd 0) (rate 0)))
(when (> Ack.bytes_acked 9) (:= Cwnd 0) (:= Rate 0))
(when (> Ack.bytes_acked 0) (:= Cwnd (+ Cwnd Ack.bytes_acked)) (:= Rate (* 2 Cwnd)))
(when true (:= Report.cwnd Cwnd) (:= Report.rate Rate) (report))
#@ test run cwnd=1000
#@ ack
#= cwnd=1000 report=[1000, 0]
#@ ack bytes_acked=5
#= cwnd=1005 rate=2010
#@ ack bytes_acked=0
#= cwnd=1005 rate=2010 report=[1005, 2010]
#@ ack bytes_acked=10
#= nothing
#@ ack
#= cwnd=1005 rate=2010 report=[1005, 2010]
