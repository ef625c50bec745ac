USE [Portal]
GO
SET ANSI_NULLS ON
INSERT [dbo].[Patients] ([Id], [Email], [RowHash]) VALUES (1, N'jdoe@lab.example', N'5f4dcc3b5aa765d61d8327deb882cf99')
INSERT [dbo].[AspNetUsers] ([Id], [Email], [PasswordHash]) VALUES (N'1f', N'jdoe@lab.example', NULL)
INSERT [dbo].[AspNetUsers] ([Id], [Email], [PasswordHash]) VALUES (N'1f', N'jdoe@lab.example.other.test', N'AQAAAAEAACcQAAAAEInvented')
