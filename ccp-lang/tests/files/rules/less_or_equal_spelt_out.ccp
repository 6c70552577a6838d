# At most four packets in flight, said with `<` and `==`, and seen once: a counter closes the door.
(def
    (Report (packets 0))
    (volatile drained 0)
    (hold 5ms)
#~ 6: note[L0202]: `hold` is never written: it keeps its initial value unless the agent sets it
#~     help: nothing is to be done if it is a parameter
)
(when (&& (== drained 0) (|| (< Flow.packets_in_flight 4) (== Flow.packets_in_flight 4)))
    (:= drained 1)
    (:= Micros 0)
)
(when (&& (== drained 1) (&& (> Micros hold) (> Micros Flow.rtt_sample_us)))
    (:= Report.packets Flow.packets_in_flight)
    (:= Micros 0)
    (report)
)
#@ test run
#@ ack now=1000 packets_in_flight=5 rtt_sample_us=2000
#= cwnd=14480
#@ ack now=9000 packets_in_flight=4 rtt_sample_us=2000
#= cwnd=14480
#@ ack now=14000 packets_in_flight=6 rtt_sample_us=2000
#= cwnd=14480
#@ ack now=14001 packets_in_flight=7 rtt_sample_us=2000
#= cwnd=14480 report=[7]
#@ ack now=14002 packets_in_flight=3 rtt_sample_us=2000
#= cwnd=14480
#@ ack now=20000 packets_in_flight=2 rtt_sample_us=9000
#= cwnd=14480
#@ ack now=24000 packets_in_flight=1 rtt_sample_us=9000
#= cwnd=14480 report=[1]
