# What a window-based algorithm asks of the datapath: one report a round trip (or as `floor` and `every` say), one at
# once after a loss, a mark or a timeout, and slow start with each ACK. Only the first fifteen primitives are read.
(def
  (Report
    (volatile acked 0)         # bytes by which the left edge moved, less those already turned into window
    (volatile delivered 0)     # bytes delivered, in order or not, each once
    (volatile lost 0)          # packets; they add up within a report
    (volatile marked 0)        # ECN-marked packets
    (volatile timeout false)
    (volatile minrtt +infinity)
    (volatile flight 0)        # most bytes in flight, what the ACK delivered included
    (cwnd 0)                   # the window after the last ACK; a timeout leaves it
    (epoch 0)                  # of the agent's word that was in force
    (now 0)
  )
  (mss 1448)
  (ssthresh +infinity)
  (epoch 1)                    # the agent raises it with each word that lets slow start go on
  (stopped 0)                  # the epoch in which something stopped slow start
  (every +infinity)            # a report is due after min(every, RTT), but not before floor
  (floor 0)
)
(when true
  (:= arrived (* (+ Ack.packets_acked Ack.packets_misordered) mss))
  (:= Report.delivered (+ Report.delivered arrived))
  (:= Report.flight (max Report.flight (+ Flow.bytes_in_flight arrived)))
  (:= Report.lost (+ Report.lost Ack.lost_pkts_sample))
  (:= Report.marked (+ Report.marked Ack.ecn_packets))
  (:= Report.timeout (|| Report.timeout Flow.was_timeout))
  (:= Report.minrtt (min Report.minrtt Flow.rtt_sample_us))
  (:= Report.epoch epoch)
  (:= Report.now Ack.now)
  (:= urgent (|| Flow.was_timeout (> (+ Ack.lost_pkts_sample Ack.ecn_packets) 0)))
  (:= stopped (if urgent epoch))
  # Slow start: by what is acknowledged, up to the threshold, while more than half of the window is in use.
  (:= grow (min Ack.bytes_acked (- (max ssthresh Cwnd) Cwnd)))
  (:= grow (if (|| (== stopped epoch) (>= Cwnd (* 2 Report.flight))) 0))
  (:= Cwnd (+ Cwnd grow))
  (:= Report.cwnd (!if Flow.was_timeout Cwnd))
  (:= Report.acked (!if urgent (+ Report.acked (- Ack.bytes_acked grow))))
  (fallthrough)
)
(when (|| urgent (>= Micros (max floor (min every Flow.rtt_sample_us))))
  (report)
  (reset)
)
