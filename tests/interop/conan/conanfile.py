"""A program over the package: the C example, built by CMake's find_package alone; it draws."""

import os
from pathlib import Path

from conan import ConanFile
from conan.tools.build import can_run
from conan.tools.cmake import CMake, cmake_layout

ROOT = Path(
    os.environ["SKETCHRNN_ROOT"]
)  # of the tree; this file runs from a copy, where it builds


class Drawn(ConanFile):
    settings = "os", "arch", "compiler", "build_type"
    generators = ("CMakeToolchain",)

    def requirements(self) -> None:
        self.requires(self.tested_reference_str)

    def layout(self) -> None:
        cmake_layout(self)

    def build(self) -> None:
        cmake = CMake(self)
        cmake.configure(build_script_folder=str(ROOT / "examples"), variables={"LINK": "static"})
        cmake.build()

    def test(self) -> None:
        if can_run(self):
            program = Path(self.build_folder, self.cpp.build.bindir, "draw_svg")
            self.run(f'"{program}" "{ROOT}/weights/chips/pig-256.safetensors" 7', env="conanrun")
