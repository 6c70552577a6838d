// The dumbbell that our_dumbbell.rs simulates too, on ns-3 3.37: bulk TCP flows over one bottleneck.
//
// Usage: dumbbell ALG FLOWS MBIT/S QUEUE-PACKETS SECONDS, with ALG one of cubic and reno. The round trip is 20 ms.
// Prints one line of JSON: packets that left the bottleneck, CPU seconds of the run without the set-up, the part of
// the link's rate that was used, the mean number of packets in its queue, the most memory ever resident in kB.
// Compiled by peer_bench; needs Debian's libns3-dev.

#include <ns3/applications-module.h>
#include <ns3/core-module.h>
#include <ns3/internet-module.h>
#include <ns3/network-module.h>
#include <ns3/point-to-point-module.h>

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <string>

using namespace ns3;

namespace {

// The queue's length over time.
uint32_t queued = 0;
double queuedSeconds = 0;
double queuedSince = 0;
uint64_t sentPackets = 0;
uint64_t sentBytes = 0;

void OnQueue(uint32_t, uint32_t now) {
    const double at = Simulator::Now().GetSeconds();
    queuedSeconds += queued * (at - queuedSince);
    queuedSince = at;
    queued = now;
}

void OnSent(Ptr<const Packet> packet) {
    sentPackets += 1;
    sentBytes += packet->GetSize();
}

double CpuSeconds(const rusage& usage) {
    const auto seconds = [](const timeval& time) { return time.tv_sec + time.tv_usec / 1e6; };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Without flow control of devices ns-3 installs no queue discipline with the address: only the bottleneck drops.
Ipv4InterfaceContainer Assign(Ipv4AddressHelper& addresses, const NetDeviceContainer& devices) {
    const auto interfaces = addresses.Assign(devices);
    addresses.NewNetwork();
    return interfaces;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) {
        std::fprintf(stderr, "usage: dumbbell ALG FLOWS MBIT/S QUEUE-PACKETS SECONDS\n");
        return 2;
    }
    const std::string alg = argv[1];
    const uint32_t flows = std::atoi(argv[2]);
    const double mbit = std::atof(argv[3]);
    const std::string queue = std::string(argv[4]) + "p";
    const double seconds = std::atof(argv[5]);

    const char* type = alg == "cubic" ? "ns3::TcpCubic" : "ns3::TcpLinuxReno";
    Config::SetDefault("ns3::TcpL4Protocol::SocketType", TypeIdValue(TypeId::LookupByName(type)));
    Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(1448));
    Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(16 << 20));
    Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(16 << 20));
    Config::SetDefault("ns3::TcpSocket::InitialCwnd", UintegerValue(10));
    // Each packet is acknowledged, as in our simulator.
    Config::SetDefault("ns3::TcpSocket::DelAckCount", UintegerValue(1));

    NodeContainer routers, senders, receivers;
    routers.Create(2);
    senders.Create(flows);
    receivers.Create(flows);
    InternetStackHelper().InstallAll();

    PointToPointHelper bottleneck;
    bottleneck.DisableFlowControl();
    bottleneck.SetDeviceAttribute("DataRate", DataRateValue(DataRate(mbit * 1e6)));
    bottleneck.SetChannelAttribute("Delay", StringValue("9990us"));
    bottleneck.SetQueue("ns3::DropTailQueue", "MaxSize", StringValue(queue));
    PointToPointHelper access;
    access.DisableFlowControl();
    access.SetDeviceAttribute("DataRate", StringValue("10Gbps"));
    access.SetChannelAttribute("Delay", StringValue("5us"));
    access.SetQueue("ns3::DropTailQueue", "MaxSize", StringValue("1000000p"));

    Ipv4AddressHelper addresses("10.0.0.0", "255.255.255.252");
    const auto middle = bottleneck.Install(routers);
    Assign(addresses, middle);
    for (uint32_t flow = 0; flow < flows; flow++) {
        Assign(addresses, access.Install(senders.Get(flow), routers.Get(0)));
        const auto far = access.Install(routers.Get(1), receivers.Get(flow));
        const auto receiver = Assign(addresses, far).GetAddress(1);
        const InetSocketAddress at(receiver, 5001);

        PacketSinkHelper sink("ns3::TcpSocketFactory", at);
        sink.Install(receivers.Get(flow)).Start(Seconds(0));
        BulkSendHelper source("ns3::TcpSocketFactory", at);
        source.SetAttribute("SendSize", UintegerValue(1448));
        source.Install(senders.Get(flow)).Start(Seconds(0));
    }
    Ipv4GlobalRoutingHelper::PopulateRoutingTables();

    const auto device = DynamicCast<PointToPointNetDevice>(middle.Get(0));
    device->GetQueue()->TraceConnectWithoutContext("PacketsInQueue", MakeCallback(&OnQueue));
    device->TraceConnectWithoutContext("PhyTxEnd", MakeCallback(&OnSent));

    rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    Simulator::Stop(Seconds(seconds));
    Simulator::Run();
    getrusage(RUSAGE_SELF, &after);
    OnQueue(queued, queued);

    std::printf("{\"packets\":%llu,\"cpu_s\":%.6f,\"utilisation\":%.6f,\"queue_packets\":%.3f,\"peak_kb\":%ld}\n",
                static_cast<unsigned long long>(sentPackets), CpuSeconds(after) - CpuSeconds(before),
                sentBytes * 8.0 / (mbit * 1e6 * seconds), queuedSeconds / seconds, after.ru_maxrss);
    Simulator::Destroy();
    return 0;
}
