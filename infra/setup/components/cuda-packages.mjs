// @ts-check
/** TensorFlow with CUDA: its package, those that its metadata names as `and-cuda`, and which of their files are
 *  loaded. */

/** @import { Package } from '../pip.mjs' */

/** @type {readonly Package[]} */
export const CUDA_PACKAGES = [
  {
    requirement: 'nvidia-cublas-cu12==12.9.3.13',
    sha256: 'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72',
    sizeBytes: 581_217_458,
  },
  {
    requirement: 'nvidia-cuda-cupti-cu12==12.8.90',
    sha256: 'ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182',
    sizeBytes: 10_248_621,
  },
  {
    requirement: 'nvidia-cuda-nvcc-cu12==12.9.86',
    sha256: '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0',
    sizeBytes: 40_546_229,
  },
  {
    requirement: 'nvidia-cuda-nvrtc-cu12==12.9.86',
    sha256: '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
    sizeBytes: 89_568_129,
  },
  {
    requirement: 'nvidia-cuda-runtime-cu12==12.9.79',
    sha256: '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
    sizeBytes: 3_493_179,
  },
  {
    requirement: 'nvidia-cudnn-cu12==9.28.0.42',
    sha256: '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375',
    sizeBytes: 716_538_495,
  },
  {
    requirement: 'nvidia-cufft-cu12==11.4.1.4',
    sha256: 'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
    sizeBytes: 200_877_592,
  },
  {
    requirement: 'nvidia-curand-cu12==10.3.10.19',
    sha256: '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e',
    sizeBytes: 68_295_626,
  },
  {
    requirement: 'nvidia-cusolver-cu12==11.7.5.82',
    sha256: '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
    sizeBytes: 338_117_415,
  },
  {
    requirement: 'nvidia-cusparse-cu12==12.5.10.65',
    sha256: '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
    sizeBytes: 366_465_088,
  },
  {
    requirement: 'nvidia-nccl-cu12==2.32.3',
    sha256: 'bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c',
    sizeBytes: 351_526_311,
  },
  {
    requirement: 'nvidia-nvjitlink-cu12==12.9.86',
    sha256: 'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
    sizeBytes: 39_748_338,
  },
  {
    requirement: 'tensorflow==2.21.0',
    sha256: '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
    sizeBytes: 572_440_367,
  },
];

export const CUDA_FILES = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
  'nvidia/cublas/lib/libcublas.so.12',
  'nvidia/cublas/lib/libcublasLt.so.12',
  'nvidia/cublas/lib/libnvblas.so.12',
  'nvidia/cuda_cupti/lib/libcheckpoint.so',
  'nvidia/cuda_cupti/lib/libcupti.so.12',
  'nvidia/cuda_cupti/lib/libnvperf_host.so',
  'nvidia/cuda_cupti/lib/libnvperf_target.so',
  'nvidia/cuda_cupti/lib/libpcsamplingutil.so',
  'nvidia/cuda_nvcc/bin/ptxas',
  'nvidia/cuda_nvcc/nvvm/lib64/libnvvm.so',
  'nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc',
  'nvidia/cuda_nvrtc/lib/libnvrtc-builtins.alt.so.12.9',
  'nvidia/cuda_nvrtc/lib/libnvrtc-builtins.so.12.9',
  'nvidia/cuda_nvrtc/lib/libnvrtc.alt.so.12',
  'nvidia/cuda_nvrtc/lib/libnvrtc.so.12',
  'nvidia/cuda_runtime/lib/libcudart.so.12',
  'nvidia/cudnn/lib/libcudnn.so.9',
  'nvidia/cudnn/lib/libcudnn_adv.so.9',
  'nvidia/cudnn/lib/libcudnn_cnn.so.9',
  'nvidia/cudnn/lib/libcudnn_engines_precompiled.so.9',
  'nvidia/cudnn/lib/libcudnn_engines_runtime_compiled.so.9',
  'nvidia/cudnn/lib/libcudnn_engines_tensor_ir.so.9',
  'nvidia/cudnn/lib/libcudnn_ext.so.9',
  'nvidia/cudnn/lib/libcudnn_graph.so.9',
  'nvidia/cudnn/lib/libcudnn_heuristic.so.9',
  'nvidia/cudnn/lib/libcudnn_ops.so.9',
  'nvidia/cufft/lib/libcufft.so.11',
  'nvidia/cufft/lib/libcufftw.so.11',
  'nvidia/curand/lib/libcurand.so.10',
  'nvidia/cusolver/lib/libcusolver.so.11',
  'nvidia/cusolver/lib/libcusolverMg.so.11',
  'nvidia/cusparse/lib/libcusparse.so.12',
  'nvidia/nccl/lib/libnccl.so.2',
  'nvidia/nvjitlink/lib/libnvJitLink.so.12',
];
