// swift-tools-version: 6.2
import PackageDescription

/// Every module is written in Swift 6 with strict memory safety; an unmarked unsafe use is an error.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatWarning("StrictMemorySafety", as: .error),
  .enableExperimentalFeature("Lifetimes"),
  .enableExperimentalFeature("RawLayout"),
]

/// The simulator lives through a year in a minute, for which the compiler must see through the modules that
/// it drives. Not in those that other packages use: SwiftPM takes no such flags from a dependency.
let seenThrough: [SwiftSetting] =
  strict + [
    .unsafeFlags(
      ["-cross-module-optimization", "-enforce-exclusivity=unchecked"],
      .when(configuration: .release))
  ]

func module(_ name: String, _ dependencies: [String] = [], seenThrough isSeenThrough: Bool = false)
  -> Target
{
  .target(
    name: name, dependencies: dependencies.map { .byName(name: $0) },
    swiftSettings: isSeenThrough ? seenThrough : strict)
}

func tests(_ name: String, _ dependencies: [String]) -> Target {
  .testTarget(
    name: name, dependencies: dependencies.map { .byName(name: $0) },
    swiftSettings: [.swiftLanguageMode(.v6)])
}

let package = Package(
  name: "sandpiper",
  products: [
    .library(name: "MQTT", targets: ["MQTT"]),
    .library(name: "MQTTClient", targets: ["MQTTClient"]),
    .executable(name: "sandpiper", targets: ["sandpiper"]),
    .executable(name: "sandpiper-lab", targets: ["sandpiper-lab"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    // C: the kernel's, libc's and libgpiod's declarations; OpenSSL, which is loaded when needed.
    .target(name: "CLinux", publicHeadersPath: "."),
    .target(name: "CTLS", publicHeadersPath: "."),
    .systemLibrary(name: "CGPIO", pkgConfig: "libgpiod", providers: [.apt(["libgpiod-dev"])]),

    // Pure: no clock, no socket, no file. Also built as Embedded Swift by deploy/build.
    module("Core"),
    module("MQTT", ["Core"]),
    module("WebSocket", ["Core"]),
    module("Dialing", ["Core", "WebSocket"]),
    module("JSON", ["Core"], seenThrough: true),
    module("Journal", ["Core"]),
    module("Uplink", ["Core", "MQTT", "Dialing", "Journal"], seenThrough: true),
    module("Device", ["Core", "JSON", "Uplink"], seenThrough: true),
    module("Agent", ["Core", "JSON", "MQTT", "Journal", "Uplink", "Device"], seenThrough: true),
    module("SimulatedBoard", ["Core", "Device"], seenThrough: true),
    module(
      "Profile",
      [
        "Core", "JSON", "MQTT", "WebSocket", "Dialing", "Uplink", "Device", "Agent",
        "SimulatedBoard",
      ]),
    module("Scenarios", ["Core", "Device", "Profile"]),

    // The rim: what touches the world. Also Embedded.
    module("Linux", ["CLinux", "CTLS", "Core", "WebSocket", "Dialing"]),
    module("LinuxBoard", ["CLinux", "CGPIO", "Core", "Device", "Linux"]),
    module(
      "LinuxAgent",
      [
        "CLinux", "Core", "MQTT", "Dialing", "JSON", "Journal", "Uplink", "Device", "Agent",
        "SimulatedBoard", "Linux", "LinuxBoard",
      ]),
    .executableTarget(
      name: "sandpiper",
      dependencies: [
        "CLinux", "Core", "MQTT", "Dialing", "JSON", "Journal", "Uplink", "Agent", "Device",
        "Profile", "SimulatedBoard", "Linux", "LinuxBoard", "LinuxAgent",
      ],
      swiftSettings: strict),

    // For Swift programs on Linux: ordinary Swift.
    module(
      "MQTTClient", ["CLinux", "Core", "MQTT", "WebSocket", "Dialing", "Journal", "Linux"]),

    // The workbench: ordinary Swift.
    module("Broker", ["Core", "MQTT"], seenThrough: true),
    .target(
      name: "Simulator",
      dependencies: [
        "Core", "JSON", "MQTT", "Dialing", "Journal", "Uplink", "Device", "Agent",
        "SimulatedBoard", "Profile", "Scenarios", "Broker",
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: seenThrough),
    // What a simulated life came to, as a page with plots.
    module("Report", ["Core", "Simulator"]),
    .target(
      name: "Fleet",
      dependencies: [
        "CLinux", "Core", "MQTT", "Dialing", "Uplink", "Device", "Agent", "SimulatedBoard",
        "Profile", "Linux", .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: strict),
    // Counts what the workbench takes from the heap, so that nobody has to believe that it is nothing.
    .target(name: "CAllocations", publicHeadersPath: "."),
    .executableTarget(
      name: "sandpiper-lab",
      dependencies: [
        "CAllocations", "CLinux", "Core", "MQTT", "WebSocket", "Dialing", "JSON", "Broker", "Linux",
        "MQTTClient", "Profile", "Report", "Scenarios", "Simulator", "Fleet",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),

    // Programs that tests kill.
    .executableTarget(
      name: "kept-publisher", dependencies: ["MQTTClient"], path: "Tests/Tools/kept-publisher",
      swiftSettings: strict),
    // Prints the report of a made-up life, for the browser that looks at it.
    .target(
      name: "MadeUpCourse", dependencies: ["Core", "Simulator"], path: "Tests/MadeUpCourse",
      swiftSettings: strict),
    .executableTarget(
      name: "course-report", dependencies: ["MadeUpCourse", "Report", "Simulator"],
      path: "Tests/Tools/course-report", swiftSettings: strict),
    .target(name: "TestSupport", dependencies: ["Core"], path: "Tests/TestSupport"),
    tests("CoreTests", ["Core", "TestSupport"]),
    tests("MQTTTests", ["Core", "MQTT", "TestSupport"]),
    tests("WebSocketTests", ["Core", "WebSocket", "TestSupport"]),
    tests("DialingTests", ["Core", "WebSocket", "Dialing", "TestSupport"]),
    tests("JSONTests", ["Core", "JSON", "TestSupport"]),
    tests("JournalTests", ["Core", "Journal", "Simulator", "TestSupport"]),
    tests("UplinkTests", ["Core", "MQTT", "Dialing", "Journal", "Uplink", "TestSupport"]),
    tests("DeviceTests", ["Core", "JSON", "Uplink", "Device", "TestSupport"]),
    tests(
      "AgentTests",
      [
        "Core", "JSON", "MQTT", "Dialing", "Journal", "Uplink", "Device", "Agent", "SimulatedBoard",
        "Broker", "Profile", "TestSupport",
      ]),
    tests("SimulatedBoardTests", ["Core", "Device", "SimulatedBoard", "TestSupport"]),
    tests(
      "ProfileTests",
      ["Core", "JSON", "Dialing", "Device", "Uplink", "SimulatedBoard", "Profile"]),
    tests(
      "MQTTClientTests",
      ["CLinux", "Core", "Dialing", "Linux", "MQTT", "MQTTClient", "TestSupport"]),
    tests("FleetTests", ["Core", "Dialing", "Uplink", "Profile", "Fleet"]),
    tests("ScenariosTests", ["Core", "Device", "Profile", "Scenarios"]),
    tests(
      "SimulatorTests",
      [
        "Core", "MQTT", "Dialing", "Uplink", "Device", "Broker", "Profile", "Scenarios",
        "Simulator",
      ]),
    tests("ReportTests", ["Core", "Simulator", "Report", "MadeUpCourse"]),
    tests("BrokerTests", ["Core", "MQTT", "Broker"]),
    tests(
      "LinuxTests",
      [
        "CGPIO", "CLinux", "Core", "WebSocket", "Dialing", "Journal", "Device", "Linux",
        "LinuxBoard", "TestSupport",
      ]),
  ]
)
