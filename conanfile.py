"""The C library for Conan 2: `conan create .`, then `find_package(sketchrnn)` as without Conan."""

import re
from pathlib import Path

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy


class Sketchrnn(ConanFile):
    name = "sketchrnn"
    description = "Sketch-RNN, the recurrent net that draws"
    license = "Apache-2.0"
    settings = "os", "arch", "compiler", "build_type"
    exports_sources = "CMakeLists.txt", "LICENSE", "cmake/*", "csrc/*"

    def set_version(self) -> None:
        # The public header alone states the version.
        header = Path(self.recipe_folder) / "csrc/include/sketchrnn/sketchrnn.h"
        numbers = re.findall(r"define SKETCHRNN_VERSION_\w+ (\d+)", header.read_text("utf-8"))
        self.version = ".".join(numbers)

    def layout(self) -> None:
        cmake_layout(self)

    def generate(self) -> None:
        toolchain = CMakeToolchain(self)
        toolchain.variables["SKETCHRNN_CUDA"] = False
        toolchain.generate()

    def build(self) -> None:
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self) -> None:
        copy(self, "LICENSE", self.source_folder, str(Path(self.package_folder) / "licenses"))
        CMake(self).install()

    def package_info(self) -> None:
        # The library's own CMake package, with both ways to link, not one that Conan makes up.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = ["lib/cmake/sketchrnn"]
        self.cpp_info.libs = ["sketchrnn"]
