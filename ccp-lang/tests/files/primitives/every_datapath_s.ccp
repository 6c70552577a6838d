# The first fifteen, which every datapath has. Ack.now has a file of its own.
(def (Report (bytes_acked 0) (bytes_misordered 0) (ecn_bytes 0) (ecn_packets 0) (lost_pkts_sample 0) (packets_acked 0) (packets_misordered 0) (bytes_in_flight 0) (bytes_pending 0) (packets_in_flight 0) (rate_incoming 0) (rate_outgoing 0) (rtt_sample_us 0) (was_timeout false)))
(when true
    (:= Report.bytes_acked Ack.bytes_acked)
    (:= Report.bytes_misordered Ack.bytes_misordered)
    (:= Report.ecn_bytes Ack.ecn_bytes)
    (:= Report.ecn_packets Ack.ecn_packets)
    (:= Report.lost_pkts_sample Ack.lost_pkts_sample)
    (:= Report.packets_acked Ack.packets_acked)
    (:= Report.packets_misordered Ack.packets_misordered)
    (:= Report.bytes_in_flight Flow.bytes_in_flight)
    (:= Report.bytes_pending Flow.bytes_pending)
    (:= Report.packets_in_flight Flow.packets_in_flight)
    (:= Report.rate_incoming Flow.rate_incoming)
    (:= Report.rate_outgoing Flow.rate_outgoing)
    (:= Report.rtt_sample_us Flow.rtt_sample_us)
    (:= Report.was_timeout Flow.was_timeout)
    (report)
)
#@ test run
#@ ack bytes_acked=1 bytes_misordered=2 ecn_bytes=3 ecn_packets=4 lost_pkts_sample=5 packets_acked=6 packets_misordered=7 bytes_in_flight=8 bytes_pending=9 packets_in_flight=10 rate_incoming=11 rate_outgoing=12 rtt_sample_us=13 was_timeout=1
#= cwnd=14480 report=[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 1]
#@ ack
#= cwnd=14480 report=[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4294967295, 0]
